"""WaveGAN, ciwGAN and fiwGAN in TensorFlow 2, and the interpretation of their layers.

The networks follow WaveGAN (Donahue, McAuley & Puckette 2019) and ciwGAN / fiwGAN (Beguš 2021,
Neural Networks 139); the technique is that of Beguš & Zhou (IEEE/ACM TASLP 30, 2022): average the
feature maps of a Generator layer after ReLU, and listen to and measure the series like speech.

Layers bear the paper's names. A Generator of five transposed convolutions has ``conv1 .. conv4``
and ``out``; one of ten has ``conv1 .. conv9`` and ``out``. Audio is float32 ``[batch, time,
channels]`` in -1 .. 1, at 16 kHz unless the model's configuration says otherwise.

This module imports nothing; use the rooms: ``models``, ``latents``, ``data``, ``training``,
``checkpoints``, ``analysis``, ``report``.
"""
