"""What a job would cost, before it is started: what all domains' jobs have in common for whoever asks."""
