"""Insight: what happened to one customer, and why.

    person --timeline--> entries in the order of time
    person, journey --why--> a tree of rules, values and where they came from

Nothing here changes the store. What has to be computed for an instant is rolled back.
"""
