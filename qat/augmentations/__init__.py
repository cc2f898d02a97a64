"""Random changes of training images; every draw depends on the seed, the epoch and the image's number only."""
