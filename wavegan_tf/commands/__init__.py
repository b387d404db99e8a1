"""The commands: flags in, an experiment or a tool run, results out.

``python -m wavegan_tf`` lists them. A command is an experiment, whose flags are made from its
Options, or a module of this folder with ``GROUPS``, ``define_flags()`` and ``main()``.
"""

COMMANDS = {
    "probe": "Show what each layer of a network encodes.",
    "interpolate": "Move latent variables and follow the effect through every layer.",
    "identify": "Find which latent variable carries a property.",
    "intervene": "Replace parts of a layer to see how much of an effect they carry.",
    "feature_maps": "Follow single feature maps while a latent variable moves.",
    "cdev": "Measure what a latent variable causes at extreme values.",
    "projection": "Show the weights of the projection, and what the layers after it do on their "
    "own.",
    "contours": "Find the layer from which contours of codes, conditions or words differ.",
    "vot": "Compare voice onset time with and without [s], in outputs and recordings.",
    "recognise": "Find which words the Q-network recognises in recordings.",
    "latency": "Compare peaks and shapes of layers with a reference, such as a brain response.",
    "evaluate": "Measure how good a model is, compared with recordings of its corpus.",
    "reproduce": "Test the claims of the paper on the demo models, and write one page.",
    "explore": "Set latent variables by hand on a page, and hear and see every layer change.",
    "listen": "Make a page on which listeners label the outputs of a run by ear, blind.",
    "agreement": "Compare the labels of several listeners, and join them.",
    "figures": "Draw the figures and the page of a finished run again.",
    "merge": "Join the shards of a probe.",
    "train": "Train a WaveGAN, ciwGAN or fiwGAN on a folder of speech.",
    "convert_checkpoint": "Write a checkpoint in another format, or its Generator alone.",
    "prepare_timit": "Cut TIMIT by phone patterns or words.",
    "prepare_words": "Cut frequent words out of aligned recordings.",
    "make_corpus": "Synthesise a corpus of speech whose phonology is known.",
}
