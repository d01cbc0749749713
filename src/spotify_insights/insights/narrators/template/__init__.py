"""The template narrator: writes without a language model, from a phrasebook, the same for the same seed."""

from spotify_insights.insights.narrators.template.narrator import TemplateNarrator

__all__ = ["TemplateNarrator"]
