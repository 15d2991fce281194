"""The model-facing texts of the runtime, in sibling .md files."""
