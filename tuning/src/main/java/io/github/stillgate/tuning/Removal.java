package io.github.stillgate.tuning;

import java.util.Locale;
import java.util.Optional;

/**
 * What {@link Pruning} made of one part of a layer.
 *
 * @param layer name of the layer; of a direction, the pair's name, a dot and its own
 * @param part what was counted
 * @param before how many there were
 * @param after how many are left
 * @param stays what made some or all stay whether they are read or not, if anything did
 */
public record Removal(String layer, Part part, int before, int after, Optional<Stays> stays) {
  /** What can be removed. */
  public enum Part {
    /** Units: of a recurrent layer with their states, or of a dense layer. */
    UNITS("units"),
    /** Cells of an LSTM with a projection. */
    CELLS("cells"),
    /** Outputs of an LSTM's projection. */
    OUTPUTS("projected outputs"),
    /** Components of an embedding. */
    COMPONENTS("components"),
    /** Units of the bottleneck before a conditional GRU's gates or a conditional dense layer's. */
    BOTTLENECK("bottleneck units");

    private final String words;

    Part(String words) {
      this.words = words;
    }

    @Override
    public String toString() {
      return words;
    }
  }

  /** Why something stays, whether it is read or not. */
  public enum Stays {
    /** The last layer's outputs are the network's. */
    NETWORK_OUTPUTS("they are the network's outputs"),
    /** A softmax divides by a sum over all its outputs. */
    SOFTMAX("a softmax reads all of them"),
    /** One gate for each block of neighbours: all blocks have one size. */
    BLOCKS("units that are gated in blocks stay"),
    /** An SRU whose highway adds input i to unit i. */
    TIED("its highway adds input i to unit i, which go together or not at all"),
    /** No layer can be empty. */
    LAST_ONE("nothing reads any; one stays, since a layer cannot be empty");

    private final String words;

    Stays(String words) {
      this.words = words;
    }

    /** The constant in small letters, for machines. */
    public String word() {
      return name().toLowerCase(Locale.ROOT);
    }

    @Override
    public String toString() {
      return words;
    }
  }

  /** How many were removed. */
  public int removed() {
    return before - after;
  }
}
