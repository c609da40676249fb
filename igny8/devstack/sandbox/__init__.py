"""Servers that speak the protocols of OpenAI and Runware over real HTTP, for development, tests and the demo.

They need no key, cost nothing, answer the same to the same question, and misbehave when asked to. Product code does
not know them: they are just another base URL.
"""
