"""Rules: what to look for, as data.

A rule is one TOML entry in the file of its provider, and carries its proof: examples and counter-examples as templates.
`schema` says what a rule is, `loading` reads files into a `RuleSet`, `template` makes tokens, `proof` proves a rule.
"""
