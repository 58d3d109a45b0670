// React Router, as a data router: loaders, a redirect on landing, a title that comes late, a search that types into the
// address; under StrictMode, which runs every effect twice.
import { StrictMode, useEffect } from "react";
import { createRoot } from "react-dom/client";
import { createBrowserRouter, Link, Navigate, Outlet, redirect, useSearchParams } from "react-router";
import { RouterProvider } from "react-router/dom";
import { titled } from "./titles.js";

const Shown = ({ title }) => {
  useEffect(() => titled(title), [title]);
  return <h1>{title}</h1>;
};

const Search = () => {
  const [params, setParams] = useSearchParams();
  return <input id="search" defaultValue={params.get("q") || ""} onChange={(event) => setParams({ q: event.target.value }, { replace: true })} />;
};

const Frame = () => {
  useEffect(() => {
    window.mounted?.();
  }, []);
  return (
    <>
      {["home", "a", "b", "old"].map((name) => <Link key={name} id={name} to={`/${name}`}>{name}</Link>)}
      <Search />
      <Outlet />
    </>
  );
};

const wait = (ms) => new Promise((done) => setTimeout(done, ms));
const router = createBrowserRouter([
  {
    element: <Frame />,
    children: [
      { path: "/", element: <Navigate to="/home" replace /> },
      { path: "/home", element: <Shown title="Home" /> },
      { path: "/a", loader: () => wait(200), element: <Shown title="A" /> },
      { path: "/b", element: <Shown title="B" /> },
      { path: "/old", loader: () => redirect("/b") },
    ],
  },
]);

createRoot(document.getElementById("app")).render(<StrictMode><RouterProvider router={router} /></StrictMode>);
