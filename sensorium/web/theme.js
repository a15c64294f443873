// Puts the chosen theme on before anything is drawn. A classic script, as modules run too late.
"use strict";
{
  const chosen = localStorage.getItem("sensorium.theme");
  if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
}
