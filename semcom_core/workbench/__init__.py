"""The workbench: a small link for digits that trains in seconds, with its attacker beside it.

:class:`~semcom_core.workbench.settings.WorkbenchSettings` decides everything,
:class:`~semcom_core.workbench.training.Training` runs it step by step, and
:func:`~semcom_core.workbench.settings.to_toml` writes it as a recipe.
"""
