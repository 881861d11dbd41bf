package io.github.stillgate.importers.torch;

import io.github.stillgate.core.model.Activation;
import io.github.stillgate.core.model.NetworkOfModules;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * One module of a PyTorch network that is to be taken over.
 *
 * @param kind what it is; a state dict does not say
 * @param prefix what its tensors' names begin with, without the last dot; empty if they begin with
 *     nothing, as those of a module that was saved alone
 * @param layerName what its layer is called; begins the names of several that are stacked
 * @param activation what follows it, or for an RNN or SRU its nonlinearity; what an activation is;
 *     empty for the usual
 * @param options what the tensors of an SRU do not say; empty for other kinds
 * @param epsilon what a batch norm adds to the variance; empty for PyTorch's usual 1e-5, and for
 *     other kinds
 */
public record LayerRequest(
    Kind kind,
    String prefix,
    String layerName,
    Optional<Activation> activation,
    Set<Option> options,
    OptionalDouble epsilon) {
  /** Modules that can be taken over, by the names a request may use. */
  public enum Kind {
    /** {@code torch.nn.Embedding}. */
    EMBEDDING("weight", "weight"),
    /** {@code torch.nn.GRU} and {@code GRUCell}. */
    GRU("weight_ih_l0", Kind.RECURRENT),
    /** {@code torch.nn.LSTM} and {@code LSTMCell}. */
    LSTM("weight_ih_l0", Kind.RECURRENT),
    /** {@code torch.nn.RNN} and {@code RNNCell}. */
    RNN("weight_ih_l0", Kind.RECURRENT),
    /** {@code torch.nn.Linear}. */
    LINEAR("weight", "weight|bias"),
    /** {@code torch.nn.Conv1d} with a kernel of one step. */
    CONV1D("weight", "weight|bias"),
    /** {@code torch.nn.BatchNorm1d} as it is in inference. */
    BATCH_NORM("running_mean", "weight|bias|running_mean|running_var"),
    /** A function of each value, or softmax. It has no tensors, and so no prefix. */
    ACTIVATION("", ""),
    /** {@code SRU} or {@code SRUCell} of the library that the authors of the SRU publish. */
    SRU("rnn_lst.0.weight", "(?:rnn_lst\\.[0-9]+\\.)?(?:weight|bias)");

    private static final String RECURRENT =
        "(?:weight|bias)_(?:ih|hh|hr)(?:_l[0-9]+(?:_reverse)?)?";

    private final String example;
    private final Pattern parts;

    Kind(String example, String parts) {
      this.example = example;
      this.parts = Pattern.compile(parts);
    }

    /** What a request calls it. */
    String word() {
      return name().toLowerCase(Locale.ROOT);
    }

    /** A tensor that such a module has, behind its prefix. */
    String example() {
      return example;
    }

    /** Whether such a module has a tensor of this name behind its prefix. */
    boolean hasPart(String name) {
      return parts.matcher(name).matches();
    }

    /** Whether an activation may follow it, or be its own. */
    boolean takesActivation() {
      return switch (this) {
        case LINEAR, CONV1D, RNN, SRU, ACTIVATION -> true;
        case EMBEDDING, GRU, LSTM, BATCH_NORM -> false;
      };
    }
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

  private static final Set<Activation> OF_SRU =
      Set.of(Activation.LINEAR, Activation.TANH, Activation.RELU, TorchActivations.SELU);

  private static final Map<String, Kind> KINDS =
      Map.ofEntries(
          Map.entry("emb", Kind.EMBEDDING),
          Map.entry("embedding", Kind.EMBEDDING),
          Map.entry("gru", Kind.GRU),
          Map.entry("lstm", Kind.LSTM),
          Map.entry("rnn", Kind.RNN),
          Map.entry("linear", Kind.LINEAR),
          Map.entry("dense", Kind.LINEAR),
          Map.entry("conv1d", Kind.CONV1D),
          Map.entry("bn", Kind.BATCH_NORM),
          Map.entry("batch_norm", Kind.BATCH_NORM),
          Map.entry("sru", Kind.SRU));

  private static final Map<String, Kind> TYPES =
      Map.of(
          "embedding", Kind.EMBEDDING,
          "gru", Kind.GRU,
          "lstm", Kind.LSTM,
          "simple_rnn", Kind.RNN,
          "dense", Kind.LINEAR,
          "conv1d", Kind.CONV1D,
          "batch_norm", Kind.BATCH_NORM,
          "activation", Kind.ACTIVATION,
          "sru", Kind.SRU);

  private static final Set<String> LAYER_NORM = Set.of("layer_norm", "layernorm", "ln");

  private static final String EPSILON = "eps=";

  /** Refuses an activation or an option where none can stand. */
  public LayerRequest {
    options = Set.copyOf(options);
    String module = kind.word() + ":" + prefix;
    if (!options.isEmpty() && kind != Kind.SRU) {
      throw new IllegalArgumentException(
          "%s: only sru takes %s"
              .formatted(module, options.stream().map(Option::word).sorted().toList()));
    }
    if (epsilon.isPresent() && kind != Kind.BATCH_NORM) {
      throw new IllegalArgumentException("%s: only batch_norm takes eps".formatted(module));
    }
    if (epsilon.isPresent() && !(epsilon.getAsDouble() >= 0 && epsilon.getAsDouble() < 1e30)) {
      throw new IllegalArgumentException(
          "%s: eps is %s; expected a number from 0 on".formatted(module, epsilon.getAsDouble()));
    }
    if (activation.isPresent() && !kind.takesActivation()) {
      throw new IllegalArgumentException(
          "%s: only linear, conv1d, rnn and sru take an activation; what follows this stands behind it,"
                  .formatted(module)
              + " as \"%s, relu\"".formatted(module));
    }
    if (activation.isEmpty() && kind == Kind.ACTIVATION) {
      throw new IllegalArgumentException(
          "layer %s: its activation is missing".formatted(layerName));
    }
    if (kind == Kind.SRU && activation.isPresent() && !OF_SRU.contains(activation.get())) {
      throw new IllegalArgumentException(
          "%s: the authors' SRU has linear, relu, selu and tanh, nothing else".formatted(module));
    }
    if (kind == Kind.RNN
        && activation.isPresent()
        && !activation.get().equals(Activation.TANH)
        && !activation.get().equals(Activation.RELU)) {
      throw new IllegalArgumentException(
          "%s: torch.nn.RNN has tanh and relu, nothing else".formatted(module));
    }
  }

  /** A request without options, whose layer is called as its tensors. */
  public LayerRequest(Kind kind, String prefix, Optional<Activation> activation) {
    this(kind, prefix, layerName(kind, prefix), activation, Set.of(), OptionalDouble.empty());
  }

  private static String layerName(Kind kind, String prefix) {
    return prefix.isEmpty() ? kind.word() : prefix;
  }

  /**
   * Reads requests from a line such as {@code emb:encoder.embedding, gru:encoder.gru, relu,
   * linear:out:softmax}: kind, the prefix of its tensors (the kind, if it is left out; nothing
   * between or behind colons means tensors without a prefix), and an activation, with colons
   * between them and commas between layers. In {@code sru:encoder:tanh:bidirectional} options
   * follow the activation, which may be left out; in {@code bn:norm:eps=0.001} one follows the
   * prefix. An activation may stand alone.
   *
   * <p>A layer whose name is taken by one before it, as of weights that two share, has a number
   * behind its own: {@code emb}, {@code emb.2}.
   *
   * @throws IllegalArgumentException if a kind, an activation or an option is unknown
   */
  public static List<LayerRequest> parse(String line) {
    List<LayerRequest> requests = new ArrayList<>();
    Set<String> taken = new HashSet<>();
    for (String entry : line.split(",", -1)) {
      LayerRequest request = one(entry.strip());
      requests.add(request.withLayerName(free(request.layerName, taken)));
    }
    return requests;
  }

  private static LayerRequest one(String entry) {
    List<String> parts = Arrays.stream(entry.split(":", -1)).map(String::strip).toList();
    String word = parts.getFirst();
    if (LAYER_NORM.contains(word)) {
      throw new IllegalArgumentException(
          "\"%s\" is a layer normalization, which is not supported: it takes mean and variance of the"
                  .formatted(entry)
              + " values of each step, and no layer of a chain does");
    }
    Kind kind = KINDS.get(word);
    if (kind == null && TorchActivations.isOne(word)) {
      if (parts.size() > 1) {
        throw new IllegalArgumentException(
            "\"%s\": an activation has no tensors, and so no prefix; expected %s alone"
                .formatted(entry, word));
      }
      return activation(word);
    }
    boolean takesOptions = kind == Kind.SRU || kind == Kind.BATCH_NORM;
    if (parts.size() > 3 && !takesOptions || word.isEmpty()) {
      throw new IllegalArgumentException(
          "\"%s\" is no layer; expected kind:prefix or kind:prefix:activation with the kinds %s, or"
                  .formatted(entry, kinds())
              + " an activation alone");
    }
    String prefix = parts.size() > 1 ? parts.get(1) : word;
    if (kind == null || !takesOptions) {
      return of(word, prefix, parts.size() > 2 ? Optional.of(parts.get(2)) : Optional.empty());
    }
    List<String> words = parts.subList(Math.min(2, parts.size()), parts.size());
    Optional<Activation> activation = Optional.empty();
    if (kind == Kind.SRU && !words.isEmpty() && option(words.getFirst()).isEmpty()) {
      activation = Optional.of(TorchActivations.of(words.getFirst()));
      words = words.subList(1, words.size());
    }
    return withOptions(kind, prefix, layerName(kind, prefix), activation, words);
  }

  private static LayerRequest activation(String word) {
    return new LayerRequest(
        Kind.ACTIVATION,
        "",
        word.replaceAll("\\(.*", ""),
        Optional.of(TorchActivations.of(word)),
        Set.of(),
        OptionalDouble.empty());
  }

  private static LayerRequest withOptions(
      Kind kind,
      String prefix,
      String layerName,
      Optional<Activation> activation,
      List<String> words) {
    Set<Option> options = EnumSet.noneOf(Option.class);
    OptionalDouble epsilon = OptionalDouble.empty();
    for (String word : words) {
      if (kind == Kind.BATCH_NORM && option(word).isEmpty()) {
        epsilon = OptionalDouble.of(epsilon(word));
      } else {
        options.add(requireOption(word));
      }
    }
    return new LayerRequest(kind, prefix, layerName, activation, options, epsilon);
  }

  private static double epsilon(String word) {
    try {
      if (word.startsWith(EPSILON)) {
        return Double.parseDouble(word.substring(EPSILON.length()));
      }
    } catch (NumberFormatException e) {
      throw new IllegalArgumentException(
          "\"%s\": expected a number behind %s".formatted(word, EPSILON), e);
    }
    throw new IllegalArgumentException(
        "\"%s\" is no option of a batch_norm; expected bn:prefix, or bn:prefix:eps=0.00001 with"
                .formatted(word)
            + " what it adds to the variance");
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

  private static List<String> kinds() {
    return KINDS.keySet().stream().sorted().toList();
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
          "layer kind \"%s\" is not known (known: %s, and activations: %s)"
              .formatted(kind, kinds(), TorchActivations.names()));
    }
    return new LayerRequest(known, prefix.strip(), activation.map(TorchActivations::of));
  }

  /**
   * Requests for the modules of a description, whose types are {@code embedding}, {@code gru},
   * {@code lstm}, {@code simple_rnn}, {@code sru}, {@code dense}, {@code conv1d}, {@code
   * batch_norm} and {@code activation}.
   *
   * @throws IllegalArgumentException if a type is another, or an activation or an option does not
   *     fit it
   */
  public static List<LayerRequest> of(NetworkOfModules network) {
    List<LayerRequest> requests = new ArrayList<>();
    Set<String> taken = new HashSet<>();
    for (NetworkOfModules.Module module : network.modules()) {
      Kind kind = TYPES.get(module.type());
      if (kind == null) {
        throw new IllegalArgumentException(
            "layer %s: \"type\" is \"%s\", which is not imported from PyTorch (expected one of %s)"
                .formatted(
                    module.name(), module.type(), TYPES.keySet().stream().sorted().toList()));
      }
      LayerRequest request =
          withOptions(kind, module.prefix(), module.name(), module.activation(), module.options());
      String usual = module.prefix().isEmpty() ? module.type() : module.prefix();
      boolean isUsual = kind == Kind.ACTIVATION || module.name().equals(usual);
      requests.add(isUsual ? request.withLayerName(free(module.name(), taken)) : request);
      taken.add(module.name());
    }
    return requests;
  }

  /** The name, or with the first number from 2 on behind it that makes it a new one. */
  private static String free(String name, Set<String> taken) {
    String free = name;
    for (int i = 2; !taken.add(free); i++) {
      free = "%s.%d".formatted(name, i);
    }
    return free;
  }

  /** The same for a layer of another name. */
  private LayerRequest withLayerName(String name) {
    return new LayerRequest(kind, prefix, name, activation, options, epsilon);
  }

  /** The same for tensors of another prefix. */
  LayerRequest withPrefix(String other) {
    return new LayerRequest(kind, other, layerName, activation, options, epsilon);
  }

  /** Whether its prefix is only the word for its kind, as where none was given. */
  boolean isNamedByKind() {
    return KINDS.get(prefix) == kind;
  }

  /** The name of the module's tensor {@code part}, such as {@code encoder.gru.weight_ih_l0}. */
  String tensor(String part) {
    return prefix.isEmpty() ? part : prefix + "." + part;
  }

  /** As it is written in a list. */
  @Override
  public String toString() {
    return kind == Kind.ACTIVATION ? layerName : kind.word() + ":" + prefix;
  }
}
