package io.github.stillgate.core.model;

import io.github.stillgate.core.model.format.ModuleDescription;
import java.util.List;
import java.util.Optional;

/**
 * What a user says of a file whose layers are modules of another program, such as a PyTorch state
 * dict: the JSON of {@code docs/format.md} with a {@code module} in place of widths. An importer
 * finds the rest by the tensors' names. An activation alone has no module.
 *
 * <p>Immutable.
 *
 * @param modules the one that reads the input first
 * @param vocabulary the characters it reads, if it reads characters
 */
public record NetworkOfModules(List<Module> modules, Optional<Vocabulary> vocabulary) {
  /** Copies the list. */
  public NetworkOfModules {
    modules = List.copyOf(modules);
  }

  /**
   * One module.
   *
   * @param type the word of {@code docs/format.md} for what it is, such as {@code gru}; not checked
   * @param name of the layer it becomes
   * @param prefix what its tensors' names begin with, without the last dot; empty for nothing
   * @param activation what follows it; empty for the usual
   * @param options what the module's tensors do not say of it, in words of its importer; not
   *     checked
   */
  public record Module(
      String type,
      String name,
      String prefix,
      Optional<Activation> activation,
      List<String> options) {
    /** Copies the list. */
    public Module {
      options = List.copyOf(options);
    }
  }

  /**
   * The modules that a description names; empty if its layers are not modules, so that it describes
   * the tensors of a weights file ({@link Model#from(io.github.stillgate.core.weights.WeightsFile,
   * String)}).
   *
   * @throws IllegalArgumentException if {@code json} is no description, a field is missing, unknown
   *     or wrong, or only some layers are modules; the message names the field
   */
  public static Optional<NetworkOfModules> parse(String json) {
    return ModuleDescription.parse(json);
  }
}
