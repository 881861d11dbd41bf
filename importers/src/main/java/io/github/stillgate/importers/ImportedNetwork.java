package io.github.stillgate.importers;

import io.github.stillgate.core.model.Model;
import java.util.List;

/**
 * A network that a file describes whole.
 *
 * @param model the network
 * @param remarks what the caller should know beside it, a sentence each: what was taken for
 *     granted, and what the file says that is no part of the network
 */
public record ImportedNetwork(Model model, List<String> remarks) {
  /** Copies the list. */
  public ImportedNetwork {
    remarks = List.copyOf(remarks);
  }
}
