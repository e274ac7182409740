using System.Text.RegularExpressions;

namespace Kuguru.Tests.Clients;

/// <summary>The pages of the project, and the configurations in them.</summary>
static partial class Documentation
{
    static readonly string s_root = Root();

    /// <summary>From the root.</summary>
    public static IReadOnlyList<string> Pages { get; } =
    [
        .. Directory.EnumerateFiles(s_root, "*.md").Concat(Directory.EnumerateFiles(System.IO.Path.Combine(s_root, "docs"), "*.md"))
            .Select(file => System.IO.Path.GetRelativePath(s_root, file)).Order(StringComparer.Ordinal),
    ];

    /// <summary>The code blocks of a page that are a swanctl.conf.</summary>
    public static IReadOnlyList<string> Configurations(string page) =>
    [
        .. Block().Matches(File.ReadAllText(System.IO.Path.Combine(s_root, page))).Select(match => match.Groups[1].Value)
            .Where(text => text.Contains("connections {", StringComparison.Ordinal)),
    ];

    static string Root()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(System.IO.Path.Combine(folder.FullName, "Kuguru.slnx")))
            folder = folder.Parent;
        return folder?.FullName ?? throw new InvalidOperationException("the tests run outside of the project");
    }

    [GeneratedRegex("^```[a-z]*\n(.*?)^```", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex Block();
}
