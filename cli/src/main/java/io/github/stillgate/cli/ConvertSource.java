package io.github.stillgate.cli;

import io.github.stillgate.core.model.Model;
import io.github.stillgate.core.model.ProofVectors;
import io.github.stillgate.importers.onnx.OnnxFile;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What {@code convert} has read.
 *
 * @param kind how it was stored
 * @param model the network
 * @param notes of its file
 * @param unused tensors that are no part of the network
 * @param remarks what an importer found, folded or rounded on the way
 * @param onnx what became of a graph, if it is from one
 * @param proof the cases it carries
 * @param tolerance of the proof it carries, or the usual one
 */
record ConvertSource(
    Kind kind,
    Model model,
    Map<String, String> notes,
    List<String> unused,
    List<String> remarks,
    Optional<OnnxFile.Import> onnx,
    Optional<ProofVectors> proof,
    double tolerance) {
  /** How a source is stored. */
  enum Kind {
    weights,
    pytorch,
    onnx,
    nam,
    rtneural,
    rnnoise,
    silero,
    keras
  }
}
