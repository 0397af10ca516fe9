document.getElementById("app").textContent = "Patter dashboard";
