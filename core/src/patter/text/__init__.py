"""Words on their way to the voice: sentences, transforms, variables, the preamble."""
