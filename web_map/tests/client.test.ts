import assert from "node:assert/strict";
import { test } from "node:test";
import { ApiError, createClient, type Fetcher } from "../src/api/client";

const answering =
  (response: () => Response, asked: string[] = []): Fetcher =>
  async (url) => {
    asked.push(url);
    return response();
  };

test("paths are relative to the page, ids are escaped", async () => {
  const asked: string[] = [];
  const client = createClient("http://host/prefix/", answering(() => Response.json([]), asked));
  await client.plans();
  await client.search("a/b", "和阳 7");
  await client.locate("p", 121.5, 31.25);
  assert.deepEqual(asked, [
    "http://host/prefix/api/plans",
    "http://host/prefix/api/plans/a%2Fb/search?limit=12&q=%E5%92%8C%E9%98%B3%207",
    "http://host/prefix/api/locate?x=121.5&y=31.25&crs=wgs84&plan=p",
  ]);
});

test("ids become texts, whatever the store counts with", async () => {
  const client = createClient("http://host/", answering(() => Response.json([{ id: 7, dataset_id: 12, name: "x" }])));
  const [plan] = await client.plans();
  assert.deepEqual([plan.id, plan.dataset_id], ["7", "12"]);
});

test("problems of the server keep their code and words", async () => {
  const body = { title: "Not found", status: 404, detail: "No plan 7.", code: "not-found" };
  const client = createClient("http://host/", answering(() => Response.json(body, { status: 404 })));
  await assert.rejects(client.plan("7"), (error: ApiError) => {
    assert.deepEqual([error.code, error.status, error.message], ["not-found", 404, "No plan 7."]);
    return true;
  });
});

test("an answer that is no problem+json, and no answer at all", async () => {
  const proxy = createClient("http://host/", answering(() => new Response("<html>", { status: 502 })));
  await assert.rejects(proxy.plans(), (error: ApiError) => error.code === "unknown" && error.status === 502);
  const dead = createClient("http://host/", async () => {
    throw new TypeError("fetch failed");
  });
  await assert.rejects(dead.plans(), (error: ApiError) => error.code === "no-connection");
});

test("binary answers come whole, and progress is told", async () => {
  const parts = [Uint8Array.of(1, 2), Uint8Array.of(3)];
  const stream = (): Response =>
    new Response(
      new ReadableStream({
        start(controller) {
          for (const part of parts) controller.enqueue(part);
          controller.close();
        },
      }),
    );
  const told: number[] = [];
  const buffer = await createClient("http://host/", answering(stream)).binary("x.bin", (bytes) => told.push(bytes));
  assert.deepEqual([...new Uint8Array(buffer)], [1, 2, 3]);
  assert.deepEqual(told, [2, 3]);
});
