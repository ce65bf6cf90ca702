"""The registry, without Juju: eight packages, and arrows that point one way.

Pure, values to values: `formats`, `images`, `options`, `release`, `plan`. Edges, which do things: `client`, `machine`,
`deployment`. Which may import which is in tests/unit/test_house.py. The planner and the edges meet in charms.layer alone.
"""
