/**
 * What stands in front of networks that hear: WAV files, spectra of frames and back, mel bands,
 * resampling. It knows no network, and no network knows it.
 */
module io.github.stillgate.audio {
  requires static transitive org.jspecify;

  exports io.github.stillgate.audio;
}
