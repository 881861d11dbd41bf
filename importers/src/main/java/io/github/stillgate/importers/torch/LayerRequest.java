package io.github.stillgate.importers.torch;

import io.github.stillgate.core.model.Activation;
import io.github.stillgate.core.model.NetworkOfModules;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.SequencedMap;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;

/**
 * One module of a PyTorch network that is to be taken over.
 *
 * @param kind what it is; a state dict does not say
 * @param prefix what its tensors' names begin with, without the last dot; empty if they begin with
 *     nothing, as those of a module that was saved alone
 * @param layerName what its layer is called; begins the names of several that are stacked
 * @param activation what follows it, or for an RNN or SRU its nonlinearity; empty for the usual
 * @param options what the tensors of an SRU do not say; empty for other kinds
 */
public record LayerRequest(
    Kind kind,
    String prefix,
    String layerName,
    Optional<Activation> activation,
    Set<Option> options) {
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
    LINEAR,
    /** {@code SRU} or {@code SRUCell} of the library that the authors of the SRU publish. */
    SRU
  }

  /** How an SRU module was made. */
  public enum Option {
    /** With {@code bidirectional=True}. */
    BIDIRECTIONAL,
    /** With {@code has_skip_term=False}. */
    NO_SKIP;

    String word() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  /** With the constants that PyTorch and the authors' library have, as float32. */
  private static final Activation.Elementwise SELU =
      Activation.LINEAR
          .then(Activation.Function.ELU, 1.6732632f, 0)
          .then(Activation.Function.AFFINE, 1.050701f, 0);

  private static final SequencedMap<String, Activation> ACTIVATIONS = activations();

  private static SequencedMap<String, Activation> activations() {
    SequencedMap<String, Activation> all = new TreeMap<>(Activation.NAMED);
    all.put("selu", SELU);
    return all;
  }

  private static final Set<Activation> OF_SRU =
      Set.of(Activation.LINEAR, Activation.TANH, Activation.RELU, SELU);

  private static final Map<String, Kind> KINDS =
      Map.of(
          "emb", Kind.EMBEDDING,
          "embedding", Kind.EMBEDDING,
          "gru", Kind.GRU,
          "lstm", Kind.LSTM,
          "rnn", Kind.RNN,
          "linear", Kind.LINEAR,
          "dense", Kind.LINEAR,
          "sru", Kind.SRU);

  private static final Map<String, Kind> TYPES =
      Map.of(
          "embedding", Kind.EMBEDDING,
          "gru", Kind.GRU,
          "lstm", Kind.LSTM,
          "simple_rnn", Kind.RNN,
          "dense", Kind.LINEAR,
          "sru", Kind.SRU);

  /** Refuses an activation or an option where none can stand. */
  public LayerRequest {
    options = Set.copyOf(options);
    if (!options.isEmpty() && kind != Kind.SRU) {
      throw new IllegalArgumentException(
          "%s:%s: only sru takes %s"
              .formatted(
                  kind.name().toLowerCase(Locale.ROOT),
                  prefix,
                  options.stream().map(Option::word).sorted().toList()));
    }
    if (activation.isPresent() && kind != Kind.LINEAR && kind != Kind.RNN && kind != Kind.SRU) {
      throw new IllegalArgumentException(
          "%s:%s: only linear, rnn and sru take an activation"
              .formatted(kind.name().toLowerCase(Locale.ROOT), prefix));
    }
    if (kind == Kind.SRU && activation.isPresent() && !OF_SRU.contains(activation.get())) {
      throw new IllegalArgumentException(
          "sru:%s: the authors' SRU has linear, relu, selu and tanh, nothing else"
              .formatted(prefix));
    }
    if (kind == Kind.RNN
        && activation.isPresent()
        && !activation.get().equals(Activation.TANH)
        && !activation.get().equals(Activation.RELU)) {
      throw new IllegalArgumentException(
          "rnn:%s: torch.nn.RNN has tanh and relu, nothing else".formatted(prefix));
    }
  }

  /** A request without options, whose layer is called as its tensors. */
  public LayerRequest(Kind kind, String prefix, Optional<Activation> activation) {
    this(kind, prefix, layerName(kind, prefix), activation, Set.of());
  }

  private static String layerName(Kind kind, String prefix) {
    return prefix.isEmpty() ? kind.name().toLowerCase(Locale.ROOT) : prefix;
  }

  /**
   * Reads requests from a line such as {@code emb:encoder.embedding, gru:encoder.gru,
   * linear:out:softmax}: kind, the prefix of its tensors (the kind, if it is left out; nothing
   * between or behind colons means tensors without a prefix), and an activation, with colons
   * between them and commas between layers. In {@code sru:encoder:tanh:bidirectional} options
   * follow the activation, which may be left out.
   *
   * @throws IllegalArgumentException if a kind, an activation or an option is unknown
   */
  public static List<LayerRequest> parse(String line) {
    List<LayerRequest> requests = new ArrayList<>();
    for (String entry : line.split(",", -1)) {
      String[] parts = entry.strip().split(":", -1);
      if (parts[0].strip().equals("sru")) {
        requests.add(sru(parts));
        continue;
      }
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

  private static LayerRequest sru(String[] parts) {
    Optional<Activation> activation = Optional.empty();
    Set<Option> options = EnumSet.noneOf(Option.class);
    for (int i = 2; i < parts.length; i++) {
      String word = parts[i].strip();
      if (i == 2 && option(word).isEmpty()) {
        activation = Optional.of(activation(word));
      } else {
        options.add(requireOption(word));
      }
    }
    String prefix = parts.length > 1 ? parts[1].strip() : "sru";
    return new LayerRequest(Kind.SRU, prefix, layerName(Kind.SRU, prefix), activation, options);
  }

  private static Optional<Option> option(String word) {
    return Arrays.stream(Option.values()).filter(o -> o.word().equals(word)).findFirst();
  }

  private static Option requireOption(String word) {
    return option(word)
        .orElseThrow(() ->
            new IllegalArgumentException(
                "\"%s\" is no option of an sru; expected sru:prefix, an activation, and any of %s"
                    .formatted(word, Arrays.stream(Option.values()).map(Option::word).toList())));
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
    return new LayerRequest(known, prefix.strip(), activation.map(LayerRequest::activation));
  }

  /**
   * Requests for the modules of a description, whose types are {@code embedding}, {@code gru},
   * {@code lstm}, {@code simple_rnn}, {@code sru} and {@code dense}.
   *
   * @throws IllegalArgumentException if a type is another, or an activation or an option does not
   *     fit it
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
      requests.add(
          new LayerRequest(
              kind,
              module.prefix(),
              module.name(),
              module.activation(),
              module.options().stream()
                  .map(LayerRequest::requireOption)
                  .collect(Collectors.toUnmodifiableSet())));
    }
    return requests;
  }

  /** The name of the module's tensor {@code part}, such as {@code encoder.gru.weight_ih_l0}. */
  String tensor(String part) {
    return prefix.isEmpty() ? part : prefix + "." + part;
  }

  private static Activation activation(String name) {
    Activation named = ACTIVATIONS.get(name.strip());
    if (named == null) {
      throw new IllegalArgumentException(
          "activation \"%s\" is not known (known: %s)".formatted(name, ACTIVATIONS.keySet()));
    }
    return named;
  }
}
