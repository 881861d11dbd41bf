package io.github.stillgate.examples.g2p;

import io.github.stillgate.core.model.Model;
import io.github.stillgate.core.plan.Plan;
import io.github.stillgate.core.plan.PlanOptions;
import io.github.stillgate.core.session.Session;
import io.github.stillgate.core.weights.WeightsFile;
import io.github.stillgate.importers.torch.LayerRequest;
import io.github.stillgate.importers.torch.StateDict;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Says words. The encoder reads the letters and the end from state zero, the decoder starts from
 * its last state and is fed with the phoneme it said last, always the most probable one.
 *
 * <p>Not safe for several threads.
 */
final class Pronouncer implements AutoCloseable {
  private static final String SYMBOLS = "vocabulary_and_traces.json";
  private static final String WEIGHTS = "g2p_en.safetensors";
  private static final String ENCODER = "emb:encoder.embedding, gru:encoder.gru";
  private static final String DECODER =
      "emb:decoder.embedding, gru:decoder.gru, linear:decoder.out";
  private static final int MOST_PHONEMES = 20;

  private final Symbols symbols;
  private final Plan encoderPlan;
  private final Plan decoderPlan;
  private final Session encoder;
  private final Session decoder;
  private final float[] encoderOut;
  private final float[] logits;

  private Pronouncer(Symbols symbols, Model encoder, Model decoder, PlanOptions options) {
    this.symbols = symbols;
    this.encoderPlan = Plan.compile(encoder, options);
    this.decoderPlan = Plan.compile(decoder, options);
    this.encoder = Session.open(encoderPlan);
    this.decoder = Session.open(decoderPlan);
    this.encoderOut = new float[encoder.outputs()];
    this.logits = new float[decoder.outputs()];
  }

  /**
   * Looks whether a folder holds the network.
   *
   * @throws IllegalArgumentException if something is missing; the message says what, and where it
   *     comes from
   */
  static void require(Path folder) {
    for (String name : List.of(SYMBOLS, WEIGHTS)) {
      if (!Files.isRegularFile(folder.resolve(name))) {
        throw new IllegalArgumentException(
            ("%s: holds no %s; MODEL_DIR is the folder of the pretrained network, which"
                    + " examples/g2p/README.md says how to get")
                .formatted(folder, name));
      }
    }
  }

  /** Imports {@code g2p_en.safetensors} and its symbols from a folder. */
  static Pronouncer open(Path folder, PlanOptions options) throws IOException {
    Symbols symbols = Symbols.read(folder.resolve(SYMBOLS));
    try (WeightsFile file = WeightsFile.open(folder.resolve(WEIGHTS))) {
      return new Pronouncer(symbols, read(file, ENCODER), read(file, DECODER), options);
    }
  }

  private static Model read(WeightsFile file, String layers) {
    return StateDict.read(file, LayerRequest.parse(layers), Optional.empty()).model();
  }

  String backend() {
    return encoderPlan.backend();
  }

  /** Mean over both networks' units and steps. */
  double liveFraction() {
    double live = 0;
    long steps = 0;
    for (Session session : new Session[] {encoder, decoder}) {
      live += session.stats().liveFraction(1) * session.stats().steps();
      steps += session.stats().steps();
    }
    return steps == 0 ? 1 : live / steps;
  }

  /** The phonemes of a word. */
  List<String> pronounce(String word) {
    start(word);
    List<String> phonemes = new ArrayList<>();
    int last = symbols.begin();
    while (phonemes.size() < MOST_PHONEMES) {
      decoder.step(last, logits);
      last = mostProbable();
      if (last == symbols.end()) {
        break;
      }
      phonemes.add(symbols.phonemes().get(last));
    }
    return phonemes;
  }

  /** Reads the word and hands its state to the decoder, which is also what is returned. */
  float[] start(String word) {
    encoder.reset();
    for (int letter : symbols.tokens(word)) {
      encoder.step(letter, encoderOut);
    }
    decoder.reset();
    decoder.state("decoder.gru.h", encoderOut);
    return encoderOut.clone();
  }

  /** The scores of the first phoneme, after {@link #start}. */
  float[] firstLogits() {
    decoder.step(symbols.begin(), logits);
    return logits.clone();
  }

  private int mostProbable() {
    int best = 0;
    for (int i = 1; i < logits.length; i++) {
      best = logits[i] > logits[best] ? i : best;
    }
    return best;
  }

  @Override
  public void close() {
    encoder.close();
    decoder.close();
    encoderPlan.close();
    decoderPlan.close();
  }
}
