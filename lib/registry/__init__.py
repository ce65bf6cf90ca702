"""The registry, without Juju: eight packages, and arrows that point one way.

Pure, values to values: `formats`, `images`, `options`, `release`, `plan`. Edges, which act: `client`, `machine`,
`deployment`. Which may import which is in tests/unit/test_house.py. They meet in charms.layer.
"""
