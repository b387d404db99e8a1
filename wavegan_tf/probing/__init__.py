"""From a network to the files of a run: the one room where networks and analysis meet.

``sources`` makes series (TensorFlow), ``measuring`` measures them in processes of their own (never
TensorFlow), ``run`` writes what comes. Statistics and figures are made from those files (report).
"""
