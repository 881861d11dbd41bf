package io.github.stillgate.importers.rtneural;

import io.github.stillgate.core.json.JsonNode;
import io.github.stillgate.core.weights.WeightsFormatException;
import io.github.stillgate.importers.ImportedNetwork;
import io.github.stillgate.importers.JsonFile;
import io.github.stillgate.importers.UnsupportedNetworkException;
import java.util.Optional;

/**
 * A network in one of the three kinds of JSON that RTNeural reads:
 *
 * <ul>
 *   <li>of Keras layers: {@code in_shape} and {@code layers}, each with its type, activation and
 *       weights as Keras keeps them;
 *   <li>of GuitarML's training: {@code model_data}, which describes one recurrent layer and a dense
 *       one, and the {@code state_dict} of PyTorch;
 *   <li>of a PyTorch state dict alone, whose modules are taken in the order of the file.
 * </ul>
 */
public final class RtneuralFile {
  private enum Kind {
    KERAS_LAYERS,
    GUITARML,
    STATE_DICT
  }

  private RtneuralFile() {}

  /** Whether a JSON file is one. */
  public static boolean isOne(JsonFile file) {
    return kind(file.root()).isPresent();
  }

  /**
   * The network in a file that {@link #isOne} is.
   *
   * @throws UnsupportedNetworkException if it has a layer or a connection that nothing here
   *     computes
   * @throws WeightsFormatException if a field is missing or wrong, weights have another shape than
   *     their layer, or one is not finite
   */
  public static ImportedNetwork read(JsonFile file) {
    Kind kind =
        kind(file.root())
            .orElseThrow(() ->
                file.unsupported(
                    "is JSON of no kind that is read: Neural Amp Modeler (.nam), RTNeural, GuitarML, or"
                        + " the tensors of a PyTorch state dict"));
    try {
      return switch (kind) {
        case KERAS_LAYERS -> new KerasLayers(file).network();
        case GUITARML -> GuitarMl.network(file);
        case STATE_DICT -> JsonStateDict.network(file);
      };
    } catch (WeightsFormatException | UnsupportedNetworkException e) {
      throw e;
    } catch (IllegalArgumentException e) {
      throw new WeightsFormatException(file.path(), String.valueOf(e.getMessage()), e);
    }
  }

  private static Optional<Kind> kind(JsonNode root) {
    if (root.has("in_shape") && root.has("layers")) {
      return Optional.of(Kind.KERAS_LAYERS);
    }
    if (root.has("model_data") && root.has("state_dict")) {
      return Optional.of(Kind.GUITARML);
    }
    return JsonStateDict.isOne(root) ? Optional.of(Kind.STATE_DICT) : Optional.empty();
  }
}
