"""How triage collectors lay out what they collect; ``registry`` lists them all."""
