"""Other model servers with our Recognizer inside, each in an environment of its own."""
