package ktables.bench;

import java.util.Map;

/** A table of whatever kind; opening it returns when it has caught up. */
interface Table {
    /** Values as bytes. */
    Map<String, byte[]> contents() throws Exception;

    /** Returns when everything is there that was in the topic at the call. */
    void barrier();
}
