"""Guided lessons as data: settings, claims and links here, the words in the pages' catalogue.

::

    data/<lesson>.toml ─ catalogue.LESSONS ─ Lesson ─ experiments.compute ─ Evidence ─ claims.judge ─ Finding
                                                 └ experiment, runs            └ pictures, numbers     └ what came true

A lesson states what its experiment will show. The statement is judged on what the experiment did
show, so a page that chooses its sentences by the findings cannot contradict its own numbers, and a
test tells when new weights made a lesson untrue.
"""
