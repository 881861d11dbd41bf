package io.github.stillgate.core.model.format;

import io.github.stillgate.core.json.JsonNode;
import io.github.stillgate.core.model.Activation;
import io.github.stillgate.core.model.NetworkOfModules;
import io.github.stillgate.core.model.NetworkOfModules.Module;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Descriptions whose layers are modules in another program's file: each has a {@code module}, but
 * for activations, which have no tensors.
 */
public final class ModuleDescription {
  private static final String ACTIVATION = "activation";

  private ModuleDescription() {}

  /**
   * The modules that {@code text} names; empty if none of its layers is one.
   *
   * @throws IllegalArgumentException if the text is no description, a field is missing, unknown or
   *     wrong, or only some layers are modules
   */
  public static Optional<NetworkOfModules> parse(String text) {
    JsonNode root = NetworkDescription.parse(text);
    List<JsonNode> nodes = NetworkDescription.layers(root);
    if (nodes.stream().noneMatch(node -> node.has("module"))) {
      return Optional.empty();
    }
    List<Module> modules = new ArrayList<>();
    for (int i = 0; i < nodes.size(); i++) {
      modules.add(module(nodes.get(i), "layer %d".formatted(i)));
    }
    return Optional.of(new NetworkOfModules(modules, NetworkDescription.vocabulary(root)));
  }

  /**
   * One module.
   *
   * @param layer names the layer in messages
   */
  private static Module module(JsonNode node, String layer) {
    String what = layer + " of a network of modules";
    if (node.path("type").asText().equals(ACTIVATION)) {
      JsonFields.require(node, what, Set.of("type", ACTIVATION), Set.of("name"));
      String name =
          node.has("name") ? JsonFields.text(node.get("name"), layer + ": \"name\"") : ACTIVATION;
      requireName(name, layer);
      return new Module(
          ACTIVATION,
          name,
          "",
          Optional.of(ActivationFormat.activation(node.get(ACTIVATION), name)),
          List.of());
    }
    JsonFields.require(node, what, Set.of("type", "module"), Set.of("name", ACTIVATION, "options"));
    String type = JsonFields.text(node.get("type"), layer + ": \"type\"");
    String prefix = JsonFields.text(node.get("module"), layer + ": \"module\"");
    String name =
        node.has("name")
            ? JsonFields.text(node.get("name"), layer + ": \"name\"")
            : prefix.isEmpty() ? type : prefix;
    requireName(name, layer);
    Optional<Activation> activation =
        node.has(ACTIVATION)
            ? Optional.of(ActivationFormat.activation(node.get(ACTIVATION), name))
            : Optional.empty();
    return new Module(type, name, prefix, activation, options(node.get("options"), layer));
  }

  private static void requireName(String name, String layer) {
    if (name.isBlank()) {
      throw new IllegalArgumentException(layer + ": \"name\" is blank");
    }
  }

  private static List<String> options(@Nullable JsonNode node, String layer) {
    if (node == null) {
      return List.of();
    }
    if (!node.isArray()) {
      throw new IllegalArgumentException("%s: \"options\" is no list: %s".formatted(layer, node));
    }
    List<String> options = new ArrayList<>();
    for (JsonNode option : node) {
      options.add(JsonFields.text(option, layer + ": an entry of \"options\""));
    }
    return options;
  }
}
