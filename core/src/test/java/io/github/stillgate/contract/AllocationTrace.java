package io.github.stillgate.contract;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import jdk.jfr.Recording;
import jdk.jfr.consumer.RecordedEvent;
import jdk.jfr.consumer.RecordingFile;

/**
 * Where something allocates, by the JVM's flight recorder: what a failed test says about a machine
 * that nobody can look at.
 */
final class AllocationTrace {
  private static final String SAMPLE = "jdk.ObjectAllocationSample";
  private static final long ENOUGH_NANOS = 6_000_000_000L;
  private static final int PLACES = 3;
  private static final int FRAMES = 12;

  private AllocationTrace() {}

  /** Runs {@code steps} and gives the places that were seen most, most often first. */
  static String of(Runnable steps) {
    try (Recording recording = new Recording()) {
      recording.enable(SAMPLE).with("throttle", "1000/s").withStackTrace();
      recording.start();
      // A sample is taken when a thread's buffer is full, which takes megabytes.
      long end = System.nanoTime() + ENOUGH_NANOS;
      while (System.nanoTime() < end) {
        steps.run();
      }
      recording.stop();
      Path file = Files.createTempFile("allocations", ".jfr");
      try {
        recording.dump(file);
        return mostFrequent(RecordingFile.readAllEvents(file), Thread.currentThread().getName());
      } finally {
        Files.delete(file);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static String mostFrequent(List<RecordedEvent> events, String thread) {
    Map<String, Long> places =
        events.stream()
            .filter(event -> event.getStackTrace() != null)
            .filter(event -> thread.equals(event.getThread().getJavaName()))
            .filter(event -> !place(event).contains("jdk.jfr"))
            .map(AllocationTrace::place)
            .collect(
                Collectors.groupingBy(place -> place, LinkedHashMap::new, Collectors.counting()));
    return places.entrySet().stream()
        .sorted(Map.Entry.<String, Long>comparingByValue(Comparator.reverseOrder()))
        .limit(PLACES)
        .map(entry -> "%d times %s".formatted(entry.getValue(), entry.getKey()))
        .collect(Collectors.joining(System.lineSeparator()));
  }

  private static String place(RecordedEvent event) {
    return event.getClass("objectClass").getName()
        + event.getStackTrace().getFrames().stream()
            .limit(FRAMES)
            .map(frame ->
                "%n    at %s.%s:%d"
                    .formatted(
                        frame.getMethod().getType().getName(),
                        frame.getMethod().getName(),
                        frame.getLineNumber()))
            .collect(Collectors.joining());
  }
}
