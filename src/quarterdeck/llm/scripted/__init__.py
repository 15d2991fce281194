"""A scripted model behind the Messages API, for the demo, tests and benchmarks. Imports nothing by itself."""
