"""A Spotify on loopback: Spotify's own HTTP over fictional music and invented listeners.

It stands for the real service in the demo, the tests and the benchmarks. Nothing in here imports the
rest of the product, so the product's own client is what gets exercised.
"""
