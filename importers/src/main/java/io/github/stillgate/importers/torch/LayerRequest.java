package io.github.stillgate.importers.torch;

import io.github.stillgate.core.model.Activation;
import io.github.stillgate.core.model.NetworkOfModules;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/**
 * One module of a PyTorch network that is to be taken over.
 *
 * @param kind what it is; a state dict does not say
 * @param prefix what its tensors' names begin with, without the last dot; empty if they begin with
 *     nothing, as those of a module that was saved alone
 * @param layerName what its layer is called; begins the names of several that are stacked
 * @param activation what follows it, or for an RNN its nonlinearity; empty for the usual
 */
public record LayerRequest(
    Kind kind, String prefix, String layerName, Optional<Activation> activation) {
  /** Modules that can be taken over, by the names a request may use. */
  public enum Kind {
    /** {@code torch.nn.Embedding}. */
    EMBEDDING,
    /** {@code torch.nn.GRU}. */
    GRU,
    /** {@code torch.nn.LSTM}. */
    LSTM,
    /** {@code torch.nn.RNN}. */
    RNN,
    /** {@code torch.nn.Linear}. */
    LINEAR
  }

  private static final Map<String, Kind> KINDS =
      Map.of(
          "emb", Kind.EMBEDDING,
          "embedding", Kind.EMBEDDING,
          "gru", Kind.GRU,
          "lstm", Kind.LSTM,
          "rnn", Kind.RNN,
          "linear", Kind.LINEAR,
          "dense", Kind.LINEAR);

  private static final Map<String, Kind> TYPES =
      Map.of(
          "embedding", Kind.EMBEDDING,
          "gru", Kind.GRU,
          "lstm", Kind.LSTM,
          "simple_rnn", Kind.RNN,
          "dense", Kind.LINEAR);

  /** Refuses an activation where none can stand. */
  public LayerRequest {
    if (activation.isPresent() && kind != Kind.LINEAR && kind != Kind.RNN) {
      throw new IllegalArgumentException(
          "%s:%s: only linear and rnn take an activation"
              .formatted(kind.name().toLowerCase(Locale.ROOT), prefix));
    }
    if (kind == Kind.RNN
        && activation.isPresent()
        && !activation.get().equals(Activation.TANH)
        && !activation.get().equals(Activation.RELU)) {
      throw new IllegalArgumentException(
          "rnn:%s: torch.nn.RNN has tanh and relu, nothing else".formatted(prefix));
    }
  }

  /**
   * Reads requests from a line such as {@code emb:encoder.embedding, gru:encoder.gru,
   * linear:out:softmax}: kind, the prefix of its tensors (the kind, if it is left out; nothing
   * between or behind colons means tensors without a prefix), and an activation, with colons
   * between them and commas between layers.
   *
   * @throws IllegalArgumentException if a kind or an activation is unknown
   */
  public static List<LayerRequest> parse(String line) {
    List<LayerRequest> requests = new ArrayList<>();
    for (String entry : line.split(",", -1)) {
      String[] parts = entry.strip().split(":", -1);
      if (parts.length > 3 || parts[0].isBlank()) {
        throw new IllegalArgumentException(
            "\"%s\" is no layer; expected kind:prefix or kind:prefix:activation with the kinds %s"
                .formatted(entry.strip(), KINDS.keySet().stream().sorted().toList()));
      }
      requests.add(
          of(
              parts[0],
              parts.length > 1 ? parts[1] : parts[0],
              parts.length > 2 ? Optional.of(parts[2]) : Optional.empty()));
    }
    return requests;
  }

  /**
   * A request from names.
   *
   * @throws IllegalArgumentException if the kind or the activation is unknown
   */
  public static LayerRequest of(String kind, String prefix, Optional<String> activation) {
    Kind known = KINDS.get(kind.strip());
    if (known == null) {
      throw new IllegalArgumentException(
          "layer kind \"%s\" is not known (known: %s)"
              .formatted(kind, KINDS.keySet().stream().sorted().toList()));
    }
    String stripped = prefix.strip();
    return new LayerRequest(
        known,
        stripped,
        stripped.isEmpty() ? known.name().toLowerCase(Locale.ROOT) : stripped,
        activation.map(LayerRequest::activation));
  }

  /**
   * Requests for the modules of a description, whose types are {@code embedding}, {@code gru},
   * {@code lstm}, {@code simple_rnn} and {@code dense}.
   *
   * @throws IllegalArgumentException if a type is another, or an activation cannot follow it
   */
  public static List<LayerRequest> of(NetworkOfModules network) {
    List<LayerRequest> requests = new ArrayList<>();
    for (NetworkOfModules.Module module : network.modules()) {
      Kind kind = TYPES.get(module.type());
      if (kind == null) {
        throw new IllegalArgumentException(
            "layer %s: \"type\" is \"%s\", which is not imported from PyTorch (expected one of %s)"
                .formatted(
                    module.name(), module.type(), TYPES.keySet().stream().sorted().toList()));
      }
      requests.add(new LayerRequest(kind, module.prefix(), module.name(), module.activation()));
    }
    return requests;
  }

  /** The name of the module's tensor {@code part}, such as {@code encoder.gru.weight_ih_l0}. */
  String tensor(String part) {
    return prefix.isEmpty() ? part : prefix + "." + part;
  }

  private static Activation activation(String name) {
    Activation named = Activation.NAMED.get(name.strip());
    if (named == null) {
      throw new IllegalArgumentException(
          "activation \"%s\" is not known (known: %s)".formatted(name, Activation.NAMED.keySet()));
    }
    return named;
  }
}
