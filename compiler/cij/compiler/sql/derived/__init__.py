"""Forms derived from the canonical plan: the same moves, each cheaper in one situation.

    RegionPlan --new_entries--> passages of new customers are written at the end of the first region
               --due_in_place--> a large group that is due at one wait is read where it is stored
               --working_set--> the rows of few customers among many are copied, moved and rewritten

Each form is made from a `RegionPlan` alone. The strategies of `runtime/moving/strategies` decide
when to use it.
"""
