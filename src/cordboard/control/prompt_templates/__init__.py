"""Texts that prompts are made from, with what calls must bring: ``/x/v1/prompt_templates``."""
