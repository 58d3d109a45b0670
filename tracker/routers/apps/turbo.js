// Turbo Drive: pages come from a server, and replace what stands.
import "@hotwired/turbo";
