"""Forms derived from the canonical plan: the same moves, written for one case in which that is cheaper.

    RegionPlan --new_entries--> people who have just entered get their passages where they have come to
               --due_in_place--> many who are due at one wait are read where they are stored
               --working_set--> a few of very many are copied out, moved, and put back

Each form is made from a `RegionPlan` alone. The strategies of `runtime/moving/strategies` decide when to
use them.
"""
