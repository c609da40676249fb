"""Text, images and embeddings by providers of AI: called safely, metered, and paid for once.

Who pays, which prompt, and what is done with an answer is decided above; nothing here knows jobs or settings.
"""
