"""What a training shows of itself: scalars, sounds, figures, previews, warnings."""
