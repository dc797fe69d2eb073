// A picture that is pasted, or taken with the camera, as a data URL in `picture`.

function node(tag, attributes, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

function render({ model, el }) {
  const start = node("button", { type: "button" }, "Use the camera");
  const paste = node("input", { type: "text", placeholder: "or paste a picture here (Ctrl+V)",
    "aria-label": "Paste a picture here", style: "width: 16em; margin-left: 0.5em" });
  const video = node("video", { autoplay: "", playsinline: "", "aria-label": "What the camera sees",
    style: "display: none; max-width: 240px; margin-top: 0.5em" });
  const told = node("p", { role: "status", style: "margin: 0.25em 0" });
  video.muted = true;
  // JupyterLab takes keys such as x and b for itself, unless told otherwise.
  el.append(node("div", { "data-lm-suppress-shortcuts": "true" }, start, paste, video, told));
  let stream = null;

  const give = (url) => {
    model.set("picture", ""); // the same picture again is a picture, too
    model.set("picture", url);
    model.save_changes();
  };
  const stop = () => {
    for (const track of stream?.getTracks() ?? []) track.stop();
    stream = null;
    video.style.display = "none";
    start.textContent = "Use the camera";
  };
  start.addEventListener("click", async () => {
    if (stream) {
      const canvas = node("canvas", { width: video.videoWidth, height: video.videoHeight });
      canvas.getContext("2d").drawImage(video, 0, 0);
      give(canvas.toDataURL("image/jpeg", 0.9));
      stop();
      told.textContent = "Taken.";
      return;
    }
    try {
      if (!navigator.mediaDevices) throw new Error("it needs https or localhost");
      stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
      video.srcObject = stream;
      video.style.display = "block";
      await video.play();
      start.textContent = "Take the picture";
      told.textContent = "";
    } catch (error) {
      stop();
      told.textContent = `No camera here (${error.message}). Choose a file instead.`;
    }
  });
  paste.addEventListener("input", () => { paste.value = ""; });
  paste.addEventListener("paste", (event) => {
    event.preventDefault();
    const file = [...event.clipboardData.files].find((each) => each.type.startsWith("image/"));
    if (!file) {
      told.textContent = "There is no picture in the clipboard: copy one first.";
      return;
    }
    const reader = new FileReader();
    reader.addEventListener("load", () => give(reader.result));
    reader.readAsDataURL(file);
    told.textContent = "Pasted.";
  });
  return stop;
}

export default { render };
