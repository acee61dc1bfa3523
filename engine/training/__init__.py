"""The one training loop: streams of images, stages and objectives, checkpoints and resume. It knows no method."""
