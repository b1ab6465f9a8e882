"""What the benchmarks share: requests and loads, telemetry and its exporters, the statements behind an endpoint, CPU and memory of processes, tables and results."""
