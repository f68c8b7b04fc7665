"""The data of a Distributed Map: reading items from files and object stores, batching them, writing results.

Readers are generators that hold one item (or one batch of rows) at a time. With each item comes its *place*: a small
JSON value from which the same reader goes on behind that item, in this process or in a later one.
"""
