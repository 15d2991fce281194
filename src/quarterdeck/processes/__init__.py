"""The one place that starts processes. Each runs under a supervisor program that outlives nothing."""
