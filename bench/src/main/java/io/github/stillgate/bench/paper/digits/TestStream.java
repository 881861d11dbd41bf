package io.github.stillgate.bench.paper.digits;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.github.stillgate.core.weights.WeightsFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * The running audio of one fold's held-out speakers, as frames.
 *
 * @param frames what the network reads, one vector every 10 ms
 * @param speech whether a frame lies within a word
 * @param words in the order in which they are spoken
 * @param tolerance how many frames behind its end a word may be spotted
 */
record TestStream(float[][] frames, boolean[] speech, List<Word> words, int tolerance) {
  /**
   * A spoken digit.
   *
   * @param digit 0 to 9
   * @param first its first frame
   * @param last the frame behind its last
   */
  record Word(int digit, int first, int last) {}

  /**
   * Reads {@code test.safetensors} and {@code test.json} of a fold.
   *
   * @throws IOException if one is missing or they do not go together; the message names it
   */
  static TestStream read(Path fold) throws IOException {
    Path file = fold.resolve("test.safetensors");
    Path described = fold.resolve("test.json");
    if (!Files.exists(file) || !Files.exists(described)) {
      throw new IOException(
          "%s has no test stream; training/pytorch/digits.py writes it when the fold's first network has ended"
              .formatted(fold));
    }
    JsonNode json = JsonMapper.builder().build().readTree(described.toFile());
    float[] values;
    float[] speech;
    long[] shape;
    try (WeightsFile tensors = WeightsFile.open(file)) {
      shape = tensors.tensor("frames").shape();
      values = tensors.tensor("frames").toFloats();
      speech = tensors.tensor("speech").toFloats();
    }
    if (shape.length != 2
        || shape[0] != speech.length
        || json.path("frames").asInt() != speech.length
        || shape[0] == 0
        || shape[1] == 0) {
      throw new IOException(
          "%s: frames of shape %s, speech of %d frames, and %s says %s; remove both and train again"
              .formatted(
                  file, Arrays.toString(shape), speech.length, described, json.path("frames")));
    }
    int width = (int) shape[1];
    float[][] frames = new float[speech.length][];
    boolean[] within = new boolean[speech.length];
    for (int t = 0; t < frames.length; t++) {
      frames[t] = Arrays.copyOfRange(values, t * width, (t + 1) * width);
      within[t] = speech[t] != 0;
    }
    return new TestStream(
        frames, within, words(json, described), json.path("tolerance_frames").asInt());
  }

  private static List<Word> words(JsonNode json, Path described) throws IOException {
    List<Word> words = new ArrayList<>();
    for (JsonNode word : json.path("words")) {
      words.add(
          new Word(
              word.path("digit").asInt(-1),
              word.path("first").asInt(-1),
              word.path("last").asInt(-1)));
      Word read = words.getLast();
      if (read.digit() < 0 || read.digit() > 9 || read.first() < 0 || read.last() <= read.first()) {
        throw new IOException("%s: word %d is %s".formatted(described, words.size() - 1, word));
      }
    }
    if (words.isEmpty()) {
      throw new IOException("%s has no words".formatted(described));
    }
    return words;
  }
}
