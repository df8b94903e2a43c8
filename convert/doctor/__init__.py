"""What is wrong with a converted model: compared, mistake by mistake, with a network that is right."""
