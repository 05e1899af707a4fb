"""Training: recipes (TOML), one trainer, one task a kind of model.

``python -m semcom_core train digits/base`` runs ``recipes/digits/base.toml``.
"""
