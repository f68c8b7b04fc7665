"""JSONata: the query language of fields that hold `{% … %}`.

`fields` reads them from a definition; `template` and `flow` are what they become; `program` is one expression, which
`compiler` makes of its syntax tree. `program` and what is behind it load with the first expression.
"""
