"""How people are moved: the protocol that a tick uses, its plain form, and strategies for one engine.

tick --Mover--> PlainMover       the canonical plan as it is written: the definition of right
                StrategicMover   the first strategy that applies, else the canonical plan
"""
