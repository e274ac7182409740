using System.Runtime.CompilerServices;
using System.Text.Json;
using Xunit;

namespace Kuguru.Tests;

/// <summary>
/// Test vectors: what is copied into <c>Vectors/</c> beside this file (see the SOURCE.md of each folder), and what may only be read
/// where it lies, in a folder <c>shared/vectors</c> beside or above the project. Without that folder the test that asks is skipped by name.
/// </summary>
static class Vectors
{
    public static string Folder { get; } = System.IO.Path.Combine(ProjectFolder(), "Vectors");

    /// <summary>A copied file, by its path below <c>Vectors/</c>.</summary>
    public static JsonElement Json(string path) => Read(System.IO.Path.Combine(Folder, path));

    /// <summary>A file that is not ours to copy, by its path below <c>shared/vectors/</c>.</summary>
    public static JsonElement SharedJson(string path)
    {
        for (var folder = Directory.GetParent(Folder); folder is not null; folder = folder.Parent)
            if (System.IO.Path.Combine(folder.FullName, "shared", "vectors", path) is var file && File.Exists(file))
                return Read(file);
        Assert.Skip($"shared/vectors/{path} is not here");
        throw new InvalidOperationException();
    }

    static JsonElement Read(string file) => JsonDocument.Parse(File.ReadAllBytes(file)).RootElement;

    static string ProjectFolder([CallerFilePath] string here = "") => System.IO.Path.GetDirectoryName(here)!;
}
